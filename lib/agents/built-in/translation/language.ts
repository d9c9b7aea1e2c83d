/** Languages as callers name them. */
import { z } from 'zod';
import { languageName } from './prompts.js';

/** A BCP 47 tag whose language has a name: "de", "pt-BR", "zh-Hant". Comes out in its canonical spelling. */
export const languageSchema = z
  .string()
  .min(2)
  .max(35)
  .refine(isLanguage, { error: 'is no tag of a language such as "de", "pt-BR" or "zh-Hant"' })
  .overwrite((tag) => (isLanguage(tag) ? Intl.getCanonicalLocales(tag)[0]! : tag));

function isLanguage(tag: string): boolean {
  try {
    return languageName(tag) !== undefined;
  } catch {
    return false;
  }
}
