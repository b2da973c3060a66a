interface SecurityContext {
  readonly privileged?: boolean;
  readonly allowPrivilegeEscalation?: boolean;
  readonly runAsNonRoot?: boolean;
  readonly runAsUser?: number;
  readonly procMount?: string;
  readonly capabilities?: { readonly add?: readonly string[]; readonly drop?: readonly string[] };
  readonly seccompProfile?: { readonly type?: string };
}

interface Container {
  readonly name: string;
  readonly ports?: readonly { readonly hostPort?: number }[];
  readonly securityContext?: SecurityContext;
}

interface PodSpec {
  readonly hostNetwork?: boolean;
  readonly hostPID?: boolean;
  readonly hostIPC?: boolean;
  readonly securityContext?: SecurityContext;
  readonly volumes?: readonly Readonly<Record<string, unknown>>[];
  readonly containers: readonly Container[];
  readonly initContainers?: readonly Container[];
}

/** The kinds of volumes the standard allows. */
const volumes = [
  ...['configMap', 'csi', 'downwardAPI', 'emptyDir', 'ephemeral', 'persistentVolumeClaim'],
  ...['projected', 'secret'],
];

/** What a pod has against the restricted Pod Security Standard, rule by rule. */
export function restrictedFaults(spec: PodSpec): string[] {
  const faults: string[] = [];
  for (const field of ['hostNetwork', 'hostPID', 'hostIPC'] as const) if (spec[field]) faults.push(field);
  for (const { name, ...kinds } of spec.volumes ?? []) {
    const foreign = Object.keys(kinds).filter((kind) => !volumes.includes(kind));
    for (const kind of foreign) faults.push(`volume ${name} is ${kind}`);
  }
  for (const container of [...(spec.initContainers ?? []), ...spec.containers]) {
    const own = container.securityContext ?? {};
    const fault = (what: string) => faults.push(`${container.name}: ${what}`);
    if (own.privileged) fault('privileged');
    if (container.ports?.some(({ hostPort }) => hostPort !== undefined)) fault('hostPort');
    if (own.allowPrivilegeEscalation !== false) fault('may gain privileges');
    if ((own.procMount ?? 'Default') !== 'Default') fault('sees all of /proc');
    const added = (own.capabilities?.add ?? []).filter((name) => name !== 'NET_BIND_SERVICE');
    if (added.length > 0) fault(`adds ${added.join(', ')}`);
    if (!own.capabilities?.drop?.includes('ALL')) fault('keeps capabilities');
    if (!(own.runAsNonRoot ?? spec.securityContext?.runAsNonRoot)) fault('may run as root');
    if ((own.runAsUser ?? spec.securityContext?.runAsUser) === 0) fault('runs as root');
    const seccomp = own.seccompProfile?.type ?? spec.securityContext?.seccompProfile?.type ?? '';
    if (!['RuntimeDefault', 'Localhost'].includes(seccomp)) fault('no seccomp profile');
  }
  return faults;
}
