/** docs/event-log.md names every event and field with its default, and shows lines that are real. */
import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import {
  EVENT_LOG_VERSION,
  EVENT_NAMES,
  EventKind,
  LOGGED_FORMS,
  parseLogLine,
  SchedulerEvent,
} from '../../lib/event/index.js';

const page = readFileSync('docs/event-log.md', 'utf8');

/** Rows of the table of events: event, field, default as the page gives it; arrays have none. */
function documented(): string[] {
  const table = page.slice(page.indexOf('### Events'), page.indexOf('### `check`'));
  let name = '';
  return table
    .split('\n')
    .filter((line) => line.startsWith('| ') && !line.startsWith('| event') && !line.startsWith('| ---'))
    .flatMap((line) => {
      const [event, field, text] = line
        .split('|')
        .slice(1, 4)
        .map((cell) => cell.trim().replaceAll('`', ''));
      if (event !== '') name = event!;
      if (field === '') return [];
      const value = text!.startsWith('array') ? 'array' : (/\[([^\]]+)\]$/.exec(text!)?.[1] ?? '0').replace('−', '-');
      return [`${name} ${field} ${value}`];
    });
}

it('names every event and field with its default', () => {
  const defaults = new SchedulerEvent();
  const forms = Object.values(EventKind).flatMap((kind) => [
    ...LOGGED_FORMS[kind].fields.map((field) => `${EVENT_NAMES[kind]} ${field} ${defaults[field]}`),
    ...LOGGED_FORMS[kind].arrays.map((field) => `${EVENT_NAMES[kind]} ${field} array`),
  ]);
  expect(documented()).toEqual(forms);
  for (const name of Object.values(EVENT_NAMES)) expect(page).toContain(`| \`${name}\` `);
});

it('says the version', () => {
  expect(page).toContain(`## Format, version ${EVENT_LOG_VERSION}`);
});

it('shows event lines that are read', () => {
  const example = /```json\n([\s\S]+?)```/.exec(page)![1]!.trim().split('\n').slice(1);
  const lines = example.map((line, index) =>
    parseLogLine(line.replace('…', 'ab'.repeat(32)), index, new SchedulerEvent()),
  );
  expect(lines.map(({ name }) => name)).toEqual(['event', 'event', 'event', 'event', 'check', 'event', 'end']);
});
