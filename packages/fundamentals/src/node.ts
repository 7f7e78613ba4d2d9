export { drawingFile } from './node/drawing-file.ts';
export { experimentsTable } from './node/experiments-table.ts';
export { realData } from './node/real-data.ts';
