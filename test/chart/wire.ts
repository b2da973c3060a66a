import type { Rendered } from './helm.ts';

/** The fields of a message of protocol buffers, each with all its values; those that are numbers are skipped. */
function fieldsOf(bytes: Buffer): Map<number, Buffer[]> {
  const fields = new Map<number, Buffer[]>();
  let at = 0;
  const varint = (): number => {
    let value = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = bytes.readUInt8(at++);
      value += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) return value;
    }
  };
  while (at < bytes.length) {
    const tag = varint();
    if (tag % 8 === 0) varint();
    else if (tag % 8 === 2) {
      const length = varint();
      fields.set(Math.floor(tag / 8), [
        ...(fields.get(Math.floor(tag / 8)) ?? []),
        bytes.subarray(at, at + length),
      ]);
      at += length;
    } else throw new Error(`a field of wire type ${tag % 8}`);
  }
  return fields;
}

const textOf = (fields: Map<number, Buffer[]>, field: number) => fields.get(field)?.[0]?.toString() ?? '';
const mapOf = (fields: Map<number, Buffer[]>, field: number, encoding?: 'base64') =>
  Object.fromEntries(
    (fields.get(field) ?? []).map((entry) => {
      const pair = fieldsOf(entry);
      return [textOf(pair, 1), pair.get(2)?.[0]?.toString(encoding) ?? ''];
    }),
  );

/**
 * An object as it was sent: as JSON, or, where it is the Secret in which Helm remembers a release, as protocol buffers, for which
 * Helm's client can be told nothing else. The numbers are those of Kubernetes' own messages: Unknown, Secret, ObjectMeta.
 */
export function objectOf(body: Buffer): Rendered {
  if (body.subarray(0, 4).toString('latin1') !== 'k8s\0') return JSON.parse(body.toString()) as Rendered;
  const secret = fieldsOf(fieldsOf(body.subarray(4)).get(2)?.[0] ?? Buffer.alloc(0));
  const metadata = fieldsOf(secret.get(1)?.[0] ?? Buffer.alloc(0));
  return {
    ...{ apiVersion: 'v1', kind: 'Secret', type: textOf(secret, 3), data: mapOf(secret, 2, 'base64') },
    metadata: { name: textOf(metadata, 1), labels: mapOf(metadata, 11) },
  };
}
