import swaggerUi from '@fastify/swagger-ui';
import type { App } from './app-type.ts';

/** The page runs its own scripts and styles and asks this server, and nothing else; the images it draws are within them. */
const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data:",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

/** The document of /openapi.json to browse, and to try: a page whose every part comes from here. */
export function docsPage(app: App): void {
  app.register(swaggerUi, {
    routePrefix: '/docs',
    staticCSP: POLICY,
    theme: { title: 'Quartermaster API' },
    // Without the bar that asks for the address of other documents. The key that was typed in stays in the page, and
    // is gone with it.
    uiConfig: {
      layout: 'BaseLayout',
      docExpansion: 'list',
      deepLinking: true,
      persistAuthorization: false,
    },
  });
}
