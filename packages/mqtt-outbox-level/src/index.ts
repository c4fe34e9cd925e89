export { LevelOutbox, type LevelOutboxOptions } from './level-outbox.js';
