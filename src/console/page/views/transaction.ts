import { html } from 'lit-html';
import type { CreateView } from '../view.ts';

export const createTransaction: CreateView = () => ({
  title: () => 'Transaction',
  render: () => html`<h1>Transaction</h1>`,
});
