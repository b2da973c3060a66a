import { html, nothing, type TemplateResult } from 'lit-html';
import { formatBytes, formatCount, formatInstant } from '../format.ts';
import { hash } from './hash.ts';
import type { Quarter, QuarterDetail } from './types.ts';

/** Its archive: where it is, its files, and the archives before and after it. */
export function archivePart(quarter: QuarterDetail, all: readonly Quarter[], zone: string): TemplateResult {
  const { archive } = quarter;
  return html`<section class="card" aria-labelledby="archive-title">
    <h2 id="archive-title">Archive</h2>
    ${
      archive === null
        ? html`<p class="faint">There is none yet. It is written once the quarter is closed: by Archive, or by itself when its time has come.</p>`
        : html`<dl class="facts">
            <dt>Where</dt><dd><code>${archive.location}</code></dd>
            ${archive.written_at === null ? nothing : html`<dt>Written</dt><dd>${formatInstant(archive.written_at, zone)}</dd>`}
          </dl>
          ${chain(quarter, all)}
          <h3>Files</h3>
          <div class="scroll" role="region" aria-label="Files of the archive" tabindex="0">
            <table class="files">
              <thead>
                <tr>
                  <th scope="col">File</th>
                  <th scope="col">Table</th>
                  <th scope="col" class="number">Rows</th>
                  <th scope="col" class="number">Bytes</th>
                  <th scope="col">SHA-256</th>
                </tr>
              </thead>
              <tbody>
                ${archive.files.map(
                  ({ path, table, rows, bytes, sha256 }) => html`<tr>
                    <th scope="row"><code>${path}</code></th>
                    <td>${table}</td>
                    <td class="number">${formatCount(rows)}</td>
                    <td class="number" title=${`${formatCount(bytes)} bytes`}>${formatBytes(bytes)}</td>
                    <td>${hash(sha256, `the SHA-256 of ${path}`)}</td>
                  </tr>`,
                )}
              </tbody>
            </table>
          </div>`
    }
  </section>`;
}

/** Each manifest names the hash of the one written before it. */
function chain(
  { quarter, archive }: QuarterDetail,
  all: readonly Quarter[],
): TemplateResult | typeof nothing {
  if (archive === null) return nothing;
  const { manifest_sha256, previous_manifest_sha256 } = archive;
  const before = all.find(
    (one) => one.manifest_sha256 !== null && one.manifest_sha256 === previous_manifest_sha256,
  );
  const after = all.find(
    (one) => manifest_sha256 !== null && one.previous_manifest_sha256 === manifest_sha256,
  );
  const link = (one: Quarter) => html`<a href=${`/console/quarters/${one.quarter}`}>${one.quarter}</a>`;
  return html`<h3>The chain of manifests</h3>
    <ol class="chain">
      <li>
        <span class="chain-name">Written before it: ${before === undefined ? html`<strong>${previous_manifest_sha256 === null ? 'none, it is the first' : 'not known here'}</strong>` : link(before)}</span>
        ${previous_manifest_sha256 === null ? nothing : hash(previous_manifest_sha256, 'the manifest before it')}
      </li>
      <li class="chain-this">
        <span class="chain-name"><strong>${quarter}</strong></span>
        ${manifest_sha256 === null ? nothing : hash(manifest_sha256, `the manifest of ${quarter}`)}
      </li>
      <li>
        <span class="chain-name">Written after it: ${after === undefined ? html`<strong>none yet, it is the last</strong>` : link(after)}</span>
        ${after?.manifest_sha256 ? hash(after.manifest_sha256, `the manifest of ${after.quarter}`) : nothing}
      </li>
    </ol>
    <p class="hint">
      The manifest holds the hash of every file, and the hash of the manifest written before it. So nobody can change, take out or put in an
      archive without every later hash becoming another. Who keeps the newest hash elsewhere, an auditor for one, can prove that nothing before
      it was touched.
    </p>`;
}
