export { type ConversationOptions, conversation } from './conversation.js';
export type { ConversationStore, KeptTurn, Memory } from './store.js';
