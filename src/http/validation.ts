import type { FastifySchemaCompiler } from 'fastify';
import type { TSchema } from 'typebox';
import { Compile, type Validator } from 'typebox/compile';
import { type Fault, MAX_FAULTS, RequestError } from './problem.ts';

type ValidationError = ReturnType<ReturnType<typeof Compile>['Errors']>[number];

/**
 * Compiles a TypeBox schema into a check that changes nothing: no coercion, no defaults, no member removed. The text of
 * an error is the schema's own `description`, which says what is allowed; so documentation and message are one.
 */
export const validatorCompiler: FastifySchemaCompiler<TSchema> = ({ schema, httpPart }) => {
  // Schemas of headers are documentation: Node gives names in lower case, and whoever needs a header reads it.
  if (httpPart === 'headers') return () => true;
  const validator = Compile(schema);
  return (value: unknown) => {
    if (validator.Check(value)) return true;
    const errors = validator.Errors(value);
    const faults =
      httpPart === 'body'
        ? detailsOf(schema, errors).map(([pointer, detail]) => bodyFault(pointer, detail))
        : detailsOf(schema, errors, value as object).map(([pointer, detail]) =>
            parameterFault(pointer, detail),
          );
    return { error: new RequestError('invalid_request', faults) };
  };
};

/** What is wrong with a part of the body that has a schema of its own; `at` is the pointer that leads to it. */
export function partFaults(schema: TSchema, validator: Validator, value: unknown, at: string): Fault[] {
  if (validator.Check(value)) return [];
  return detailsOf(schema, validator.Errors(value)).map(([pointer, detail]) =>
    bodyFault(at + pointer, detail),
  );
}

/** A fault at a JSON pointer of the body, written as a URI fragment like the examples of RFC 9457. */
export function bodyFault(pointer: string, detail: string): Fault {
  return { pointer: `#${encodeURI(shown(pointer))}`, detail };
}

/** A fault of a parameter of the path or the query, at a pointer whose one part is its name. */
function parameterFault(pointer: string, detail: string): Fault {
  return { parameter: shown(pointer.slice(1).replaceAll('~1', '/').replaceAll('~0', '~')), detail };
}

/** Names come from the client: no lone surrogate may reach encodeURI, which throws, and a megabyte need not return. */
function shown(name: string): string {
  return (name.length > 200 ? `${name.slice(0, 200)}…` : name).toWellFormed();
}

/** One fault a place. TypeBox tells of each alternative of a union and of each unknown member twice. */
function detailsOf(
  schema: TSchema,
  errors: readonly ValidationError[],
  parameters: object = {},
): [pointer: string, detail: string][] {
  const details = new Map<string, string>();
  for (const error of errors) {
    for (const [pointer, detail] of placesOf(schema, error, parameters)) {
      if (!details.has(pointer)) details.set(pointer, detail);
    }
  }
  return [...details].slice(0, MAX_FAULTS);
}

function placesOf(
  schema: TSchema,
  error: ValidationError,
  parameters: object,
): [pointer: string, detail: string][] {
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
      if (Array.isArray(Reflect.get(parameters, at.slice(1)))) return [[at, 'is sent more than once']];
      const allowed = partAt(schema, at)?.description;
      return [[at, allowed === undefined ? error.message : `must be ${allowed}`]];
    }
  }
}

/** The part of the schema that a pointer into the value leads to. */
function partAt(schema: TSchema, pointer: string): Part | undefined {
  let part: Part | undefined = schema;
  for (const name of pointer.split('/').slice(1)) part = part?.items ?? part?.properties?.[name];
  return part;
}

interface Part {
  readonly description?: string;
  readonly items?: Part;
  readonly properties?: Readonly<Record<string, Part>>;
}
