export { type ClassificationOptions, classification, type LabelLesson } from './classification.js';
