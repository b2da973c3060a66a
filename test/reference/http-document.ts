import { createApp } from '../../src/http/app.ts';
import { emptyHouse, inject } from '../http/house.ts';

/** JSON Schema, as far as the API's document uses it. */
export interface Schema {
  readonly $ref?: string;
  readonly type?: string | readonly string[];
  readonly title?: string;
  readonly description?: string;
  readonly enum?: readonly unknown[];
  readonly const?: unknown;
  readonly anyOf?: readonly Schema[];
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly items?: Schema;
  readonly additionalProperties?: unknown;
}

interface Content {
  readonly description?: string;
  readonly required?: boolean;
  readonly content?: Readonly<Record<string, { readonly schema?: Schema }>>;
}

/** A route, as the document and the code tell of it. */
export interface Operation {
  readonly operationId: string;
  readonly method: string;
  readonly path: string;
  readonly tag: string;
  readonly summary: string;
  readonly description: string | undefined;
  /** Without one everybody may call it. */
  readonly role: string | undefined;
  /** It tells of all ledgers at once. */
  readonly wholeHouse: boolean;
  readonly parameters: readonly {
    readonly in: string;
    readonly name: string;
    readonly required?: boolean;
    readonly schema: Schema;
    readonly description?: string;
  }[];
  readonly requestBody: Content | undefined;
  readonly responses: Readonly<
    Record<
      string,
      Content & { readonly headers?: Readonly<Record<string, { readonly description?: string }>> }
    >
  >;
}

export interface HttpDocument {
  readonly operations: readonly Operation[];
  readonly tags: readonly { readonly name: string; readonly description: string }[];
  readonly schemas: Readonly<Record<string, Schema>>;
}

export async function readDocument(): Promise<HttpDocument> {
  const app = createApp(emptyHouse());
  const configs = new Map<string, { role?: string; wholeHouse?: boolean }>();
  app.addHook('onRoute', ({ method, url, config }) => {
    for (const one of [method].flat()) configs.set(`${one} ${url.replace(/:(\w+)/g, '{$1}')}`, { ...config });
  });
  const document = (await inject(app, { url: '/openapi.json' })).json();
  const operations = Object.entries(document.paths as Record<string, Record<string, object>>).flatMap(
    ([path, methods]) =>
      Object.entries(methods).map(([name, operation]) => {
        const method = name.toUpperCase();
        const { role, wholeHouse = false } = configs.get(`${method} ${path}`) ?? {};
        const { tags, parameters = [], description, ...rest } = operation as Operation & { tags: string[] };
        const said = description?.replace(/ ?Needs a key with the role `\w+`\.$/, '') || undefined;
        return {
          ...rest,
          requestBody: rest.requestBody,
          description: said,
          method,
          path,
          role,
          wholeHouse,
          parameters,
          tag: tags[0] ?? '',
        };
      }),
  );
  return { operations, tags: document.tags, schemas: document.components.schemas };
}

/** The same schema with what it refers to in its place. */
export function whole(schema: Schema, schemas: HttpDocument['schemas']): Schema {
  if (schema.$ref !== undefined) {
    const found = schemas[schema.$ref.split('/').at(-1) ?? ''];
    return found === undefined ? {} : whole(found, schemas);
  }
  const inner = (one: Schema) => whole(one, schemas);
  return {
    ...schema,
    ...(schema.anyOf && { anyOf: schema.anyOf.map(inner) }),
    ...(schema.items && { items: inner(schema.items) }),
    ...(schema.properties && {
      properties: Object.fromEntries(
        Object.entries(schema.properties).map(([name, one]) => [name, inner(one)]),
      ),
    }),
  };
}

/** Members of a value that its schema does not know: an example that has them was recorded of an older API. */
export function unknownMembers(schema: Schema, value: unknown, at = ''): string[] {
  if (Array.isArray(value)) {
    return schema.items === undefined
      ? []
      : value.flatMap((one, n) => unknownMembers(schema.items ?? {}, one, `${at}[${n}]`));
  }
  if (typeof value !== 'object' || value === null) return [];
  if (schema.anyOf !== undefined) {
    const all = schema.anyOf.map((one) => unknownMembers(one, value, at));
    return all.find((names) => names.length === 0) ?? all[0] ?? [];
  }
  const { properties } = schema;
  if (properties === undefined)
    return schema.type === 'object' || schema.type === undefined || Array.isArray(schema.type) ? [] : [at];
  return Object.entries(value).flatMap(([name, member]) =>
    properties[name] === undefined
      ? [`${at}.${name}`]
      : unknownMembers(properties[name], member, `${at}.${name}`),
  );
}
