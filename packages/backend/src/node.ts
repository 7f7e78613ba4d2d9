export { doctor, formatDoctorReport, isSupportedNode, OLDEST_NODE, type DoctorReport } from './node/doctor.ts';
