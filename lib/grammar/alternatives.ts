/**
 * A schema with references and choices as the list of the plain schemas of which a value meets one: what `anyOf` with keywords beside it,
 * `$ref` with keywords beside it, and `allOf` come to.
 *
 * `oneOf` is the same where its alternatives are apart: by type, by their values, by a property that tells them apart, or by one that only
 * the other has. A value that met two would meet none, so the rest is refused. "Apart" is said only where it is sure.
 */
import { merge, plain } from './merge.js';
import { refusal, step } from './refusal.js';
import { canonical, isObject, listOf, type PlainSchema, withoutAnnotations } from './schema.js';
import { typesOf } from './types.js';

const ALTERNATIVES_MAX = 256;
const NESTING_MAX = 64;

export type Resolve = (ref: unknown, at: string) => { schema: unknown; at: string };

/** One schema without references and without choices between whole schemas, and where it stands. */
export interface Alternative {
  readonly schema: PlainSchema | false;
  readonly at: string;
}

/** @returns every way in which `schema` may be met; at least one */
export function alternatives(schema: unknown, at: string, resolve: Resolve, depth = 0): Alternative[] {
  if (depth > NESTING_MAX) throw refusal('refers to itself without an end, or nests too deep', at);
  if (schema === true) return [{ schema: {}, at }];
  if (schema === false) return [{ schema: false, at }];
  if (!isObject(schema)) throw refusal('is not a schema', at);
  const { $ref, allOf, anyOf, oneOf, ...rest } = withoutAnnotations(schema);
  let all: Alternative[] = [{ schema: plain(rest), at }];
  const narrow = (others: Alternative[], isChoice = false) => {
    if (all.length * others.length > ALTERNATIVES_MAX) throw refusal('combines too many alternatives', at);
    all = all.flatMap((one) =>
      others.map((other) => ({ schema: merge(one.schema, other.schema, at), at: isChoice ? other.at : one.at })),
    );
  };
  const inner = (one: unknown, place: string) => alternatives(one, place, resolve, depth + 1);
  if ($ref !== undefined) {
    const target = resolve($ref, at);
    narrow(inner(target.schema, target.at));
  }
  if (allOf !== undefined) {
    for (const [i, one] of listOf(allOf, 'allOf', at).entries()) narrow(inner(one, step(at, 'allOf', i)));
  }
  for (const [key, choices] of [
    ['anyOf', anyOf],
    ['oneOf', oneOf],
  ] as const) {
    if (choices === undefined) continue;
    if (key === 'oneOf') refuseOverlap(listOf(choices, key, at), at, resolve);
    const each = listOf(choices, key, at).flatMap((one, i) => inner(one, step(at, key, i)));
    narrow(each, true);
  }
  return all;
}

/** @throws {@link InvalidRequestError} when a value could meet two of the `choices` of a `oneOf` at `at` */
export function refuseOverlap(choices: readonly unknown[], at: string, resolve: Resolve): void {
  const all = choices.map((one, i) => alternatives(one, step(at, 'oneOf', i), resolve));
  for (let i = 0; i < all.length; i++) {
    for (let j = 0; j < i; j++) {
      if (all[i]!.some((a) => all[j]!.some((b) => !areApart(a.schema, b.schema, resolve, 0)))) {
        throw refusal(`has a "oneOf" of which one value could meet both ${j} and ${i}; use "anyOf"`, at);
      }
    }
  }
}

const DEPTH_MAX = 8;

function areApart(a: PlainSchema | false, b: PlainSchema | false, resolve: Resolve, depth: number): boolean {
  if (a === false || b === false) return true;
  if (depth > DEPTH_MAX) return false;
  const [ofA, ofB] = [valuesOf(a), valuesOf(b)];
  if (ofA !== undefined && ofB !== undefined) {
    const known = new Set(ofB.map(canonical));
    return !ofA.some((one) => known.has(canonical(one)));
  }
  const types = typesOf(b);
  const common = typesOf(a).filter((type) => types.some((other) => other === type || isNumeric(other, type)));
  return (
    common.length === 0 ||
    (common.every((type) => type === 'object') && misses(a, b, resolve, depth) && misses(b, a, resolve, depth))
  );
}

function isNumeric(a: string, b: string): boolean {
  return (a === 'number' && b === 'integer') || (a === 'integer' && b === 'number');
}

/** The values, where they are listed. */
function valuesOf({ enum: values }: PlainSchema): readonly unknown[] | undefined {
  return Array.isArray(values) ? values : undefined;
}

/** Does no object that is generated for `a` meet `b`? */
function misses(a: PlainSchema, b: PlainSchema, resolve: Resolve, depth: number): boolean {
  const [ofA, ofB] = [propertiesOf(a), propertiesOf(b)];
  const isClosed = a.additionalProperties === false || (a.additionalProperties === undefined && isObject(a.properties));
  if (isClosed && requiredOf(b).some((name) => !Object.hasOwn(ofA, name))) return true;
  return requiredOf(a).some((name) => {
    if (!Object.hasOwn(ofB, name)) return b.additionalProperties === false;
    if (!Object.hasOwn(ofA, name)) return false;
    const others = alternatives(ofB[name], '', resolve);
    return alternatives(ofA[name], '', resolve).every((one) =>
      others.every((other) => areApart(one.schema, other.schema, resolve, depth + 1)),
    );
  });
}

function propertiesOf({ properties }: PlainSchema): Readonly<Record<string, unknown>> {
  return isObject(properties) ? properties : {};
}

function requiredOf({ required }: PlainSchema): readonly string[] {
  return Array.isArray(required) ? required.filter((one) => typeof one === 'string') : [];
}
