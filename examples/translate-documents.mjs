// Documents into several languages: blocks in parallel, placeholders, numbers and code kept, an urgent notice before bulk work.
//
// Usage: node examples/translate-documents.mjs [--load] [model.gguf]
// Without a model (or AGENTYARD_CHAT_MODEL) a scripted translator answers from a phrase book, in virtual time, and spoils a number or a
// placeholder in one of three answers. --load: only the part that shows what scheduling changes.
import { defineAgent, Yard } from 'agentyard';
import { translation } from 'agentyard/agents';
import { createTestYard, scriptedModel, virtualClock } from 'agentyard/testing';
import { z } from 'zod';

const args = process.argv.slice(2);
const isLoadOnly = args.includes('--load');
const path = args.find((arg) => !arg.startsWith('--')) ?? process.env.AGENTYARD_CHAT_MODEL;
const LANGUAGES = ['de', 'fr', 'es'];

const PHRASES = [
  ['# Your order', '# Ihre Bestellung', '# Votre commande', '# Su pedido'],
  [
    'Hello {name}, your order {orderId} is on its way.',
    'Hallo {name}, Ihre Bestellung {orderId} ist unterwegs.',
    'Bonjour {name}, votre commande {orderId} est en route.',
    'Hola {name}, su pedido {orderId} está en camino.',
  ],
  [
    'The invoice is 1,250.50 euros and is due in 14 days.',
    'Die Rechnung beträgt 1.250,50 Euro und ist in 14 Tagen fällig.',
    'La facture est de 1\u202f250,50 euros et doit être payée sous 14 jours.',
    'La factura es de 1.250,50 euros y vence en 14 días.',
  ],
  [
    'Track it at <https://shop.example/track?id=7> or call 0800 123.',
    'Verfolgen Sie sie unter <https://shop.example/track?id=7> oder rufen Sie 0800 123 an.',
    'Suivez-la sur <https://shop.example/track?id=7> ou appelez le 0800 123.',
    'Sígalo en <https://shop.example/track?id=7> o llame al 0800 123.',
  ],
  ['# Set up your lamp', '# Ihre Lampe einrichten', '# Installer votre lampe', '# Instale su lámpara'],
  [
    'Press the button for 5 seconds until the light blinks.',
    'Drücken Sie die Taste 5 Sekunden lang, bis das Licht blinkt.',
    'Appuyez sur le bouton pendant 5 secondes, jusqu’à ce que la lumière clignote.',
    'Pulse el botón durante 5 segundos hasta que la luz parpadee.',
  ],
  [
    'Then run this command:',
    'Führen Sie dann diesen Befehl aus:',
    'Lancez ensuite cette commande :',
    'Luego ejecute esta orden:',
  ],
  [
    'Page 1 of the archive: 10 lamps were sold, 3 came back.',
    'Seite 1 des Archivs: 10 Lampen wurden verkauft, 3 kamen zurück.',
    'Page 1 des archives : 10 lampes ont été vendues, 3 sont revenues.',
    'Página 1 del archivo: se vendieron 10 lámparas, 3 volvieron.',
  ],
  [
    'Recall: switch off lamp {model} at once, it can overheat above 40 degrees.',
    'Rückruf: Schalten Sie die Lampe {model} sofort aus, sie kann sich über 40 Grad erhitzen.',
    'Rappel : éteignez tout de suite la lampe {model}, elle peut chauffer à plus de 40 degrés.',
    'Retirada: apague la lámpara {model} enseguida, puede calentarse a más de 40 grados.',
  ],
];
const [title, hello, invoice, track, setUp, press, command, page, recall] = PHRASES.map(([english]) => english);
const DOCUMENTS = [
  { name: 'order.md', markdown: [title, hello, invoice, track].join('\n\n') },
  { name: 'lamp.md', markdown: [setUp, press, command, '```\nlamp --pair 5\n```'].join('\n\n') },
];

const translator = translation({
  glossary: { invoice: { de: 'Rechnung', fr: 'facture', es: 'factura' } },
  onLoss: 'source',
  maxTokens: 160,
});

/** A document is its blocks: they are translated side by side, and what is code stays as it is. */
const translateDocument = defineAgent({
  name: 'translate-document',
  version: '1',
  description: 'Translates a Markdown document into several languages, block by block.',
  input: z.object({ markdown: z.string().min(1), languages: z.array(z.string()).min(1) }),
  output: z.object({
    documents: z.array(z.object({ language: z.string(), markdown: z.string() })),
    blocks: z.number().describe('Blocks and languages that were translated.'),
    ways: z.record(z.string(), z.number()).describe('How the blocks were got: docs/built-in-agents.md.'),
    answers: z.number().describe('Answers of the model.'),
  }),
  run: async ({ markdown, languages }, ctx) => {
    const blocks = markdown.split(/\n{2,}/);
    const isText = (block) => !block.startsWith('```');
    const { translations } = await ctx.run(
      translator,
      { texts: blocks.filter(isText), languages, source: 'en' },
      { onProgress: ({ done, total }) => ctx.progress(done, total) },
    );
    const ways = {};
    for (const entry of translations) {
      const way = entry.status === 'translated' ? entry.way : 'left in English';
      ways[way] = (ways[way] ?? 0) + 1;
    }
    const documents = languages.map((language) => {
      const texts = translations.filter((entry) => entry.language === language).map(({ text }) => text);
      return { language, markdown: blocks.map((block) => (isText(block) ? texts.shift() : block)).join('\n\n') };
    });
    const answers = translations.reduce((sum, { attempts }) => sum + attempts, 0);
    return { documents, blocks: translations.length, ways, answers };
  },
});

// The scripted translator: half a second an answer, eight at once, and one of three answers is not intact (by chance, from a fixed seed).
let state = 7;
const chance = () => {
  state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
  return state / 2 ** 32;
};
const withoutNumbers = (text) => text.replace(/\d+/g, '#');
const book = new Map(PHRASES.map(([english, ...others]) => [withoutNumbers(english), others]));
const translatorModel = scriptedModel({
  latencyMs: 500,
  sequences: 8,
  answers: ({ messages }) => {
    const [system, { content: source }] = messages;
    const target = /into [^(]*\((\w+)\)/.exec(system.content)[1];
    const known = book.get(withoutNumbers(source))?.[LANGUAGES.indexOf(target)];
    if (known === undefined) return '';
    // Pages of the archive differ by their numbers, which are small and in the same order in every language.
    const numbers = source.match(/\d+/g) ?? [];
    const text = source.startsWith('Page') ? known.replace(/\d+/g, () => numbers.shift()) : known;
    if (chance() > 1 / 3) return text;
    return text.includes('{') ? text.replace(/\{\w+\}/, '') : text.replace(/\d/, '9');
  },
});

/** A yard over the given model, or over the scripted one in virtual time. `wait` lets time pass until a promise settles. */
async function open(options = {}) {
  const agents = [translator, translateDocument];
  if (path === undefined) {
    const clock = virtualClock();
    const yard = await createTestYard({ models: { chat: translatorModel }, agents, clock, ...options });
    const close = () => yard.close().finally(() => clock.restore());
    return { yard, nowMs: () => clock.nowMs(), wait: (promise) => clock.until(promise), close };
  }
  const keep = options.order === 'fcfs' ? { keepInteractive: 0 } : {};
  const models = { chat: { path, sequences: 8, contextTokens: 1_024, ...keep } };
  const yard = new Yard({ models, agents, ...options });
  await yard.ready();
  return { yard, nowMs: () => performance.now(), wait: (promise) => promise, close: () => yard.close() };
}

async function translateAll() {
  const { yard, nowMs, wait, close } = await open();
  const beginMs = nowMs();
  const all = DOCUMENTS.map(async ({ name, markdown }) => {
    let reports = 0;
    const result = await yard.run(
      translateDocument,
      { markdown, languages: LANGUAGES },
      { onProgress: () => reports++ },
    );
    return { name, seconds: (nowMs() - beginMs) / 1_000, reports, ...result };
  });
  for (const { name, seconds, blocks, answers, ways, reports, documents } of await wait(Promise.all(all))) {
    console.log(
      `${name}: ${blocks} translations in ${seconds.toFixed(1)} s, ${answers} answers, ${reports} reports,`,
      ways,
    );
    for (const { language, markdown } of documents) console.log(`--- ${language}\n${markdown}`);
  }
  await close();
}

/**
 * An archive is being translated when a recall must go out: when is it there in all languages, and when is the archive done?
 * @param urgency - says whether the scheduler is told what is bulk and what is urgent
 */
async function measureLoad(name, urgency, options) {
  const pages = path === undefined ? 40 : 12;
  const { yard, nowMs, wait, close } = await open({ concurrency: 1_000, ...options });
  const beginMs = nowMs();
  const translate = (markdown, hints) =>
    yard.run(translateDocument, { markdown, languages: LANGUAGES }, urgency ? hints : {});
  let archiveMs = 0;
  const bulk = Array.from({ length: pages }, async (_, index) => {
    await translate(page.replace('1', String(index + 1)), { class: 'batch', tenant: 'archive' });
    archiveMs = nowMs() - beginMs;
  });
  await wait(bulk[0]);
  const urgentMs = nowMs();
  const { answers } = await wait(translate(recall, { class: 'interactive', tenant: 'safety' }));
  const recallMs = nowMs() - urgentMs;
  await wait(Promise.all(bulk));
  const seconds = (ms) => `${(ms / 1_000).toFixed(1)} s`;
  console.log(
    `${name.padEnd(24)} recall out after ${seconds(recallMs).padStart(6)} (${answers} answers); archive of ${pages} pages after ${seconds(archiveMs)}`,
  );
  await close();
  return recallMs;
}

if (!isLoadOnly) await translateAll();
const firstCome = await measureLoad('first come, first served', false, { order: 'fcfs', share: 'none' });
const ours = await measureLoad('agentyard', true, {});
if (ours > firstCome / 2) process.exitCode = 1;
