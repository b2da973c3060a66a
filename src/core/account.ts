/** Who and what for: the entity `user-123` and its group `WALLET`, written `user-123:WALLET`. */
export interface Address {
  readonly entityId: string;
  readonly groupType: string;
}

const MAX_ENTITY = 128;
const GROUP = /^[A-Z][A-Z0-9_]{0,31}$/;
const CONTROL = /\p{Cc}/u;

/** The longest texts a transaction or an account may carry, in UTF-16 units. */
export const MAX_TEXT = { user_id: 128, reference_code: 200, description: 2000, name: 200 } as const;
const MAX_METADATA_BYTES = 16 * 1024;
const MAX_METADATA_DEPTH = 32;

/**
 * Reads `entity:GROUP`. The entity has 1 to 128 characters, no colon, no control characters and no blanks around it; the
 * group is an upper-case word of up to 32. Undefined for anything else.
 */
export function parseAddress(text: string): Address | undefined {
  const colon = text.indexOf(':');
  const entityId = text.slice(0, Math.max(colon, 0));
  const groupType = text.slice(colon + 1);
  if (entityId.length === 0 || entityId.length > MAX_ENTITY || !GROUP.test(groupType)) return undefined;
  if (entityId.trim() !== entityId || CONTROL.test(entityId) || !entityId.isWellFormed()) return undefined;
  return { entityId, groupType };
}

export function formatAddress({ entityId, groupType }: Address): string {
  return `${entityId}:${groupType}`;
}

/**
 * What is wrong with a text a transaction or an account is to carry, or undefined. Half of a surrogate pair is refused because no
 * UTF-8 exists for it, and control characters because they end up in exports and on terminals.
 */
export function textFault(field: keyof typeof MAX_TEXT, text: string): string | undefined {
  const longest = MAX_TEXT[field];
  if (text.length > longest) return `has ${text.length} characters; ${longest} are allowed`;
  if (!text.isWellFormed()) return 'holds half of a surrogate pair, which is no character';
  for (let index = 0; index < text.length; index++) {
    const unit = text.charCodeAt(index);
    if (unit >= 0x20) continue;
    if (field === 'description' && (unit === 0x0a || unit === 0x09)) continue;
    return `holds the control character U+${unit.toString(16).toUpperCase().padStart(4, '0')}`;
  }
  return undefined;
}

/** What is wrong with metadata, or undefined: a JSON object of at most 16 KiB as UTF-8 and 32 levels. */
export function metadataFault(value: unknown): string | undefined {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return 'must be a JSON object';
  const fault = jsonFault(value, 1);
  if (fault !== undefined) return fault;
  const bytes = Buffer.byteLength(JSON.stringify(value));
  return bytes > MAX_METADATA_BYTES
    ? `has ${bytes} bytes of JSON; ${MAX_METADATA_BYTES} are allowed`
    : undefined;
}

/** PostgreSQL's jsonb refuses U+0000 and lone surrogates; a number a double cannot hold was bent when it was read. */
function jsonFault(value: unknown, depth: number): string | undefined {
  if (typeof value === 'string') {
    if (value.includes('\0')) return 'holds the character U+0000';
    return value.isWellFormed() ? undefined : 'holds half of a surrogate pair, which is no character';
  }
  if (typeof value === 'number' && Math.abs(value) > Number.MAX_SAFE_INTEGER) {
    return 'holds a number too large to be exact; write it as a string';
  }
  if (typeof value !== 'object' || value === null) return undefined;
  if (depth > MAX_METADATA_DEPTH) return `is nested deeper than ${MAX_METADATA_DEPTH} levels`;
  for (const [name, member] of Object.entries(value)) {
    const fault = jsonFault(name, depth) ?? jsonFault(member, depth + 1);
    if (fault !== undefined) return fault;
  }
  return undefined;
}
