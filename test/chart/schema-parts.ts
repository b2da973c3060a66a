export type Schema = Readonly<Record<string, unknown>>;

/** An object with these properties and no others. */
export const closed = (properties: Record<string, Schema>): Schema => ({
  type: 'object',
  additionalProperties: false,
  properties,
});
export const text: Schema = { type: 'string' };
export const matching = (pattern: string): Schema => ({ type: 'string', pattern });
const word = '[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?';
export const labelName = matching(`^([a-z0-9]([-a-z0-9.]*[a-z0-9])?/)?${word}$`);
export const labelValue = matching(`^(${word})?$`);
export const flag: Schema = { type: 'boolean' };
export const map: Schema = { type: 'object', additionalProperties: { type: 'string' } };
/** Labels as the API server takes them: it refuses others only when all of the rest is there. */
export const labels: Schema = { type: 'object', propertyNames: labelName, additionalProperties: labelValue };
export const count = (minimum = 0, maximum?: number): Schema => ({
  type: 'integer',
  minimum,
  ...(maximum === undefined ? {} : { maximum }),
});
export const optional = (schema: Schema): Schema => ({ ...schema, type: [schema.type, 'null'] });
export const oneOf = (...values: string[]): Schema => ({ type: 'string', enum: values });
export const list = (items: Schema): Schema => ({ type: 'array', items });

/** The name of an object of Kubernetes, or empty. */
export const name: Schema = { ...matching('^([a-z0-9]([-a-z0-9.]*[a-z0-9])?)?$'), maxLength: 253 };
/** A part of the name of a Service, which has no dot and begins with a letter. */
export const label: Schema = { ...matching('^([a-z]([-a-z0-9]*[a-z0-9])?)?$'), maxLength: 63 };
export const required: Schema = { ...matching('^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$'), maxLength: 253 };
export const key = matching('^[-._a-zA-Z0-9]+$');
export const optionalKey = matching('^[-._a-zA-Z0-9]*$');
export const portNumber = count(1, 65_535);
export const duration = matching('^[0-9]+(ms|s|m|h)$');
export const path = matching('^/[^\\s?#]*$');
export const size: Schema = { type: ['string', 'integer'], pattern: '^[1-9][0-9]*(k|M|G|T|Ki|Mi|Gi|Ti)?$' };
export const quantity: Schema = {
  type: ['string', 'number', 'null'],
  pattern: '^[0-9]+(\\.[0-9]+)?(m|k|M|G|T|Ki|Mi|Gi|Ti)?$',
};
export const share: Schema = {
  type: ['integer', 'string', 'null'],
  minimum: 0,
  pattern: '^(100|[0-9]{1,2})%$',
};
const v4 = '[0-9]{1,3}(\\.[0-9]{1,3}){3}/([12]?[0-9]|3[0-2])';
const v6 = '[0-9a-fA-F]*:[0-9a-fA-F:.]*/([1-9]?[0-9]|1[01][0-9]|12[0-8])';
/** A range of addresses. */
export const range = matching(`^(${v4}|${v6})$`);
