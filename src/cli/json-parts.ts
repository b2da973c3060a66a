import { type TProperties, type TSchema, Type } from 'typebox';

/** The pieces of which the documents are made that `--json` prints. Each says what it is, for the reference. */

export const text = (description: string) => Type.String({ description });
export const flag = (description: string) => Type.Boolean({ description });
export const count = (description: string) => Type.Integer({ minimum: 0, description });
export const figure = (description: string) => Type.Number({ description });

/** A whole number that may be larger than a JSON number holds exactly. */
export const digits = (description: string) => Type.String({ pattern: '^-?[0-9]+$', description });

export const instant = (description: string) =>
  Type.String({ format: 'date-time', description: `${description}, an instant in ISO 8601` });

/** Null where there is none. */
export const maybe = <T extends TSchema & { description?: string }>(schema: T) => {
  const { description, ...rest } = schema;
  return Type.Union([rest as unknown as T, Type.Null()], { description: `${description}; or null` });
};

export const list = (schema: TSchema, description: string) => Type.Array(schema, { description });
export const texts = (description: string) => Type.Array(Type.String(), { description });
export const oneOf = (values: readonly string[], description: string) =>
  Type.Union(
    values.map((value) => Type.Literal(value)),
    { description },
  );

/** Members may be added by a later version; those that are there keep their meaning. */
export const document = <T extends TProperties>(properties: T, description?: string) =>
  Type.Object(properties, description === undefined ? {} : { description });

/** Of one quarter the document itself, of several a list of them. */
export const oneOrSeveral = (schema: TSchema) => Type.Union([schema, Type.Array(schema)]);

export const optional = Type.Optional;
/** Members of which only the producer knows the names. */
export const open = (description: string) => Type.Record(Type.String(), Type.Unknown(), { description });

export const quarter = Type.String({ pattern: '^[0-9]{4}q[1-4]$', description: 'as 2024q1' });

export const check = document({
  name: text('of the check'),
  ok: optional(flag('whether it was found right')),
  detail: text('what was found, in a sentence'),
});

/** What goes to the other stream when a command fails and `--json` was given. */
export const errorJson = document({
  error: document({
    kind: text('who can mend it, and whether trying again helps; the exit code follows from it'),
    code: text('what happened; docs/errors.md lists them all'),
    detail: text('a sentence for people: what, where, and what to do'),
  }),
});
