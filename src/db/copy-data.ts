import type { Readable } from 'node:stream';

/** What the server ends a COPY with: that it is complete, or that it failed. */
const ENDS: readonly number[] = [0x43, 0x45];
const COPY_DATA = 0x64;

/** The type of a message and its length, which counts itself. */
const HEADER = 5;

/**
 * Takes the rows of a COPY from the bytes of a connection, before node-postgres sees them: "always one [message] per
 * row" (PostgreSQL documentation, Message Flow, COPY Operations). node-postgres makes two objects of each row, and to
 * clear them away takes as long as everything else that is done with the row here. All other messages are handed on as they come,
 * and with the one that ends the COPY the connection is node-postgres' own again.
 *
 * To be called when nothing is under way on the connection, before the COPY is sent.
 *
 * @param onRow the row stands in `bytes` from `start` up to `end`, until it returns
 */
export function takeCopyData(
  socket: Readable,
  onRow: (bytes: Buffer, start: number, end: number) => void,
): void {
  const owners = socket.listeners('data') as ((bytes: Buffer) => void)[];
  // The beginning of a message whose end has not come, in pieces, and how long they have to be together to go on.
  let pieces: Buffer[] = [];
  let held = 0;
  let needed = HEADER;

  const handOn = (bytes: Buffer) => {
    for (const owner of owners) owner.call(socket, bytes);
  };
  const take = (piece: Buffer) => {
    pieces.push(piece);
    held += piece.length;
    if (held < needed) return;
    const bytes = pieces.length === 1 ? piece : Buffer.concat(pieces);
    let at = 0;
    needed = HEADER;
    while (bytes.length - at >= HEADER) {
      const type = bytes[at] as number;
      if (ENDS.includes(type)) {
        socket.off('data', take);
        for (const owner of owners) socket.on('data', owner);
        handOn(bytes.subarray(at));
        return;
      }
      const end = at + 1 + bytes.readUInt32BE(at + 1);
      if (end > bytes.length) {
        needed = end - at;
        break;
      }
      if (type === COPY_DATA) onRow(bytes, at + HEADER, end);
      else handOn(bytes.subarray(at, end));
      at = end;
    }
    pieces = at === bytes.length ? [] : [bytes.subarray(at)];
    held = bytes.length - at;
  };
  for (const owner of owners) socket.off('data', owner);
  socket.on('data', take);
}
