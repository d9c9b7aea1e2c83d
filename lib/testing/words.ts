/** The tokens of fake models: words, each with the space before it. */
import type { ModelJob } from '../runtime/backend.js';

/** The pieces of a text, which are the text when they are joined. */
export function wordsOf(text: string): string[] {
  return text.match(/\s*\S+|\s+$/g) ?? [];
}

/** What a job has the model read. Token ids are words as well. */
export function promptOf(job: ModelJob): string {
  if (job.kind === 'chat') return job.messages.map(({ content }) => content).join('\n');
  const text = job.kind === 'completion' ? job.prompt : job.input;
  return typeof text === 'string' ? text : text.join(' ');
}
