import { html } from 'lit-html';
import type { CreateView } from '../view.ts';

export const createHealth: CreateView = () => ({
  title: () => 'Health',
  render: () => html`<h1>Health</h1>`,
});
