export { doctor, formatDoctorReport, isSupportedNode, OLDEST_NODE, type DoctorReport } from './node/doctor.ts';
export {
  formatCapabilities,
  probeCapabilities,
  type Capability,
  type CapabilityResult,
  type CapabilityTable,
} from './node/capabilities.ts';
