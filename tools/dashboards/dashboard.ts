import { heading, type Panel, render } from './panel.ts';
import { firing } from './series.ts';

export interface Row {
  readonly title: string;
  readonly height: number;
  /** From left to right; what does not fit goes to the next line. */
  readonly panels: readonly Panel[];
}

export interface Dashboard {
  readonly uid: string;
  readonly title: string;
  readonly description: string;
  readonly tags: readonly string[];
  readonly from: string;
  readonly refresh: string;
  readonly rows: readonly Row[];
}

/** The last version of the model, which Grafana 11 to 13 read. */
const SCHEMA_VERSION = 42;
const COLUMNS = 24;

/** The dashboard as Grafana reads it. */
export function build({ uid, title, description, tags, from, refresh, rows }: Dashboard): object {
  return {
    uid,
    title,
    description,
    tags: ['quartermaster', ...tags],
    schemaVersion: SCHEMA_VERSION,
    version: 1,
    editable: true,
    graphTooltip: 1,
    timezone: 'browser',
    time: { from, to: 'now' },
    refresh,
    links: [
      {
        type: 'dashboards',
        title: 'Quartermaster',
        tags: ['quartermaster'],
        asDropdown: true,
        includeVars: true,
        keepTime: false,
      },
    ],
    annotations: { list: [alerts] },
    templating: { list: variables },
    panels: lay(rows),
  };
}

const datasource = { type: 'prometheus', uid: '$' + '{datasource}' };

/** Alerts are drawn into every panel, so that what else changed at that moment is seen. */
const alerts = {
  name: 'Alerts',
  enable: true,
  iconColor: 'red',
  datasource,
  expr: firing,
  titleFormat: '{{alertname}}',
  tagKeys: 'severity',
  step: '60s',
};

const all = { selected: true, text: 'All', value: '$__all' };

/** `.*` for all, which is also true of series without the label: on a laptop there are no namespaces and releases. */
const variables = [
  { name: 'datasource', label: 'Prometheus', type: 'datasource', query: 'prometheus', current: {} },
  chooser('namespace', 'Namespace', 'quartermaster_build_info', false),
  chooser('release', 'Release', 'quartermaster_build_info{namespace=~"$namespace"}', false),
  chooser(
    'instance',
    'Process',
    'quartermaster_build_info{namespace=~"$namespace",release=~"$release"}',
    true,
  ),
];

function chooser(name: string, label: string, series: string, multi: boolean): object {
  const query = `label_values(${series}, ${name})`;
  return {
    name,
    label,
    type: 'query',
    datasource,
    definition: query,
    query: { query, refId: name },
    refresh: 2,
    sort: 1,
    multi,
    includeAll: true,
    allValue: '.*',
    current: all,
  };
}

function lay(rows: readonly Row[]): object[] {
  const laid: object[] = [];
  let y = 0;
  for (const { title, height, panels } of rows) {
    laid.push(heading(title, laid.length + 1, y++));
    let x = 0;
    for (const panel of panels) {
      if (x + panel.width > COLUMNS) {
        x = 0;
        y += height;
      }
      laid.push(render(panel, laid.length + 1, { x, y, w: panel.width, h: height }));
      x += panel.width;
    }
    y += height;
  }
  return laid;
}
