import { html } from 'lit-html';
import type { CreateView } from '../view.ts';

export const createQuarter: CreateView = () => ({
  title: () => 'Quarter',
  render: () => html`<h1>Quarter</h1>`,
});
