import { html } from 'lit-html';
import type { CreateView } from '../view.ts';

export const createQuarters: CreateView = () => ({
  title: () => 'Quarters',
  render: () => html`<h1>Quarters</h1>`,
});
