/**
 * The schemas that agents are typed by: anything that speaks Standard Schema (zod, valibot, arktype …) and has a JSON Schema form,
 * by Standard JSON Schema (zod ≥ 4.2, arktype ≥ 2.1.28, valibot by `toStandardJsonSchema`) or by `withJsonSchema`.
 */
import type { StandardJSONSchemaV1, StandardSchemaV1 } from '@standard-schema/spec';

/** A schema of a value: validates, and infers `I` (before) and `O` (after validation). */
export type AgentSchema<I = unknown, O = I> = StandardSchemaV1<I, O>;

/** JSON Schema, draft 2020-12. */
export type JsonSchema = Readonly<Record<string, unknown>>;

export type InferIn<S extends AgentSchema> = StandardSchemaV1.InferInput<S>;
export type InferOut<S extends AgentSchema> = StandardSchemaV1.InferOutput<S>;

export type StandardJson = StandardJSONSchemaV1;
