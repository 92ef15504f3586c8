export { compose } from './compose.js';
export { file, type FileOptions } from './file.js';
export { resource } from './resource.js';
