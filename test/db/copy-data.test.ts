import { EventEmitter } from 'node:events';
import type { Readable } from 'node:stream';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { takeCopyData } from '../../src/db/copy-data.ts';

/** A message of the protocol: its type, its length, its content. */
function message(type: string, content: Uint8Array): Buffer {
  const header = Buffer.alloc(5);
  header.write(type, 0, 'latin1');
  header.writeUInt32BE(content.length + 4, 1);
  return Buffer.concat([header, content]);
}

/** What is taken and what is handed on when a connection brings these bytes, cut at these places. */
function carry(bytes: Buffer, cuts: readonly number[]) {
  const socket = new EventEmitter() as Readable;
  const handedOn: Buffer[] = [];
  const owner = (piece: Buffer) => void handedOn.push(Buffer.from(piece));
  socket.on('data', owner);
  const rows: string[] = [];
  takeCopyData(socket, (from, start, end) => rows.push(from.toString('latin1', start, end)));
  const places = [0, ...cuts.map((cut) => cut % (bytes.length + 1)).sort((a, b) => a - b), bytes.length];
  for (const [i, start] of places.slice(0, -1).entries()) {
    const piece = bytes.subarray(start, places[i + 1]);
    if (piece.length > 0) socket.emit('data', piece);
  }
  return { rows, handedOn: Buffer.concat(handedOn), isGivenBack: socket.listeners('data')[0] === owner };
}

const content = fc.uint8Array({ maxLength: 300 });
const others = fc.constantFrom('H', 'N', 'S', 'c');

describe('the data of a copy', () => {
  it('are rows, whole and in order, however the bytes come; all else is handed on, and in the end everything', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.oneof(fc.constant('d'), others), content), { maxLength: 30 }),
        fc.constantFrom('C', 'E'),
        content,
        fc.array(fc.nat(), { maxLength: 40 }),
        (messages, end, after, cuts) => {
          // What follows the end is node-postgres' own, even if it looks like a row.
          const tail = Buffer.concat([message(end, after), message('d', after), message('Z', after)]);
          const bytes = Buffer.concat([
            ...messages.map(([type, text]) => message(type, text as Uint8Array)),
            tail,
          ]);
          const { rows, handedOn, isGivenBack } = carry(bytes, cuts);
          const wanted = messages.filter(([type]) => type === 'd');
          expect(rows).toEqual(wanted.map(([, text]) => Buffer.from(text as Uint8Array).toString('latin1')));
          const rest = messages.filter(([type]) => type !== 'd');
          expect(handedOn).toEqual(
            Buffer.concat([...rest.map(([type, text]) => message(type as string, text as Uint8Array)), tail]),
          );
          expect(isGivenBack).toBe(true);
        },
      ),
    );
  });
});
