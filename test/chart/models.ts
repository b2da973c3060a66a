import { execFile } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Rendered } from './helm.ts';

const packages: Readonly<Record<string, string>> = {
  'monitoring.coreos.com': '@kubernetes-models/prometheus-operator',
  'keda.sh': '@kubernetes-models/keda',
  'gateway.networking.k8s.io': '@kubernetes-models/gateway-api',
};

/** The module that knows an object: the types of Kubernetes, the Prometheus operator, KEDA or the Gateway API. */
function moduleOf({ apiVersion, kind }: Rendered): string {
  const group = apiVersion.split('/', 1)[0] ?? '';
  return `${packages[group] ?? 'kubernetes-models'}/${apiVersion}/${kind}`;
}

/**
 * What the types say against objects that are written out as literals, of which TypeScript takes no field it does not know; empty
 * when they agree.
 */
export async function typeFaults(objects: readonly Rendered[], name: string): Promise<string> {
  // Inside node_modules, where the models are found and neither the compiler of the project nor its linter looks.
  const place = join(import.meta.dirname, 'node_modules/.cache', name);
  mkdirSync(place, { recursive: true });
  const lines = objects.map((object, at) => {
    const from = moduleOf(object);
    return `import type { I${object.kind} as T${at} } from ${JSON.stringify(from)};\nexport const o${at}: T${at} = ${JSON.stringify(object, undefined, 1)};\n`;
  });
  writeFileSync(join(place, 'objects.ts'), lines.join(''));
  const compilerOptions = {
    ...{ strict: true, noEmit: true, skipLibCheck: true, types: [], lib: ['es2024'] },
    ...{ module: 'nodenext', moduleResolution: 'nodenext', target: 'es2024' },
  };
  writeFileSync(join(place, 'tsconfig.json'), JSON.stringify({ compilerOptions, files: ['objects.ts'] }));
  const compiler = join(import.meta.dirname, '../../node_modules/typescript/bin/tsc');
  return new Promise((resolve) => {
    execFile(process.execPath, [compiler, '--pretty', 'false', '-p', place], (error, out, err) =>
      resolve(error === null ? '' : `${out}${err}`.trim()),
    );
  });
}

interface Model {
  validate(): void;
}

/** What the schemas of the models say against an object at run time: ranges, patterns and what is required. */
export async function modelFault(object: Rendered): Promise<string | undefined> {
  // By a computed name, so that the project compiles where the models are not installed.
  const specifier = `./node_modules/${moduleOf(object)}.js`;
  const models = (await import(specifier)) as Record<string, new (data: Rendered) => Model>;
  const Kind = models[object.kind];
  if (Kind === undefined) return `${specifier} has no ${object.kind}`;
  try {
    new Kind(object).validate();
    return undefined;
  } catch (error) {
    return `${object.kind} ${object.metadata.name}: ${(error as Error).message}`;
  }
}
