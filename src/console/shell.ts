import type { Assets } from './assets.ts';

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
<script type="module" src="${path(entry)}"></script>
</head>
<body>
<div id="app"><p class="waiting">Quartermaster …</p></div>
<noscript><p class="waiting">This page needs JavaScript. Everything it does <a href="/docs">the API</a> and the command line do too.</p></noscript>
</body>
</html>
`;
}
