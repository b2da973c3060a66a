import type { Assets } from './assets.ts';

/**
 * What the page asks at its beginning, whoever looks. Nothing that it asks only after somebody has signed in: the refusal that came
 * before would be taken for the answer.
 */
const FIRST_ASKED = ['/v1/session', '/v1/about'];

/**
 * The one HTML document there is. All that it shows is drawn by its script, from what the API answers.
 *
 * @param ahead modules that are fetched with those of the entry
 */
export function shell({ version, entry, modules }: Assets, ahead: readonly string[] = []): string {
  const path = (name: string) => `/console/assets/${version}/${name}`;
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>Quartermaster</title>
<link rel="icon" type="image/svg+xml" href="${path('icon.svg')}">
<link rel="stylesheet" href="${path('console.css')}">
${[...modules, ...ahead].map((name) => `<link rel="modulepreload" href="${path(name)}">`).join('\n')}
${FIRST_ASKED.map((url) => `<link rel="preload" as="fetch" crossorigin="anonymous" href="${url}">`).join('\n')}
<script type="module" src="${path(entry)}"></script>
</head>
<body>
<div id="app"><p class="waiting">Quartermaster …</p></div>
<noscript><p class="waiting">This page needs JavaScript. Everything it does <a href="/docs">the API</a> and the command line do too.</p></noscript>
</body>
</html>
`;
}
