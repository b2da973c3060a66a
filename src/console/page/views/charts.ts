import { html } from 'lit-html';
import type { CreateView } from '../view.ts';

export const createCharts: CreateView = () => ({
  title: () => 'Charts',
  render: () => html`<h1>Charts</h1>`,
});
