import type { FastifySchemaCompiler } from 'fastify';
import type { TSchema } from 'typebox';
import { Compile } from 'typebox/compile';
import { type Fault, RequestError } from './problem.ts';

/** More faults than this are not told at once: whoever made them has one bug, not twenty. */
export const MAX_FAULTS = 8;

type ValidationError = ReturnType<ReturnType<typeof Compile>['Errors']>[number];

/**
 * Compiles a TypeBox schema into a check that changes nothing: no coercion, no defaults, no member removed. The text of
 * an error is the schema's own `description`, which says what is allowed; so documentation and message are one.
 */
export const validatorCompiler: FastifySchemaCompiler<TSchema> = ({ schema, httpPart }) => {
  const validator = Compile(schema);
  const inBody = httpPart === 'body';
  return (value: unknown) =>
    validator.Check(value)
      ? { value }
      : { error: new RequestError('invalid_request', faultsOf(schema, validator.Errors(value), inBody)) };
};

/** A fault at a JSON pointer of the body, written as a URI fragment like the examples of RFC 9457. */
export function bodyFault(pointer: string, detail: string): Fault {
  // Names come from the client: no lone surrogate may reach encodeURI, which throws, and a megabyte need not return.
  const shown = pointer.length > 200 ? `${pointer.slice(0, 200)}…` : pointer;
  return { pointer: `#${encodeURI(shown.toWellFormed())}`, detail };
}

/** One fault a place. TypeBox tells of each alternative of a union and of each unknown member twice. */
function faultsOf(schema: TSchema, errors: readonly ValidationError[], inBody: boolean): Fault[] {
  const details = new Map<string, string>();
  for (const error of errors) {
    for (const [pointer, detail] of placesOf(schema, error)) {
      if (!details.has(pointer)) details.set(pointer, detail);
    }
  }
  return [...details]
    .slice(0, MAX_FAULTS)
    .map(([pointer, detail]) =>
      inBody ? bodyFault(pointer, detail) : { parameter: pointer.slice(1), detail },
    );
}

function placesOf(schema: TSchema, error: ValidationError): [pointer: string, detail: string][] {
  const at = error.instancePath;
  switch (error.keyword) {
    case 'required':
      return error.params.requiredProperties.map((name) => [`${at}/${name}`, 'is required']);
    // The schema `false` stands where a member is not allowed; the error after it lists the same members.
    case 'boolean':
      return [[at, 'is not known here']];
    case 'additionalProperties':
      return [];
    default: {
      const allowed = descriptionAt(schema, at);
      return [[at, allowed === undefined ? error.message : `must be ${allowed}`]];
    }
  }
}

/** The description of the part of the schema that a pointer into the value leads to. */
function descriptionAt(schema: TSchema, pointer: string): string | undefined {
  let part: Part | undefined = schema;
  for (const name of pointer.split('/').slice(1)) part = part?.items ?? part?.properties?.[name];
  return part?.description;
}

interface Part {
  readonly description?: string;
  readonly items?: Part;
  readonly properties?: Readonly<Record<string, Part>>;
}
