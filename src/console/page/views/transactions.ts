import { html } from 'lit-html';
import type { CreateView } from '../view.ts';

export const createTransactions: CreateView = () => ({
  title: () => 'Transactions',
  render: () => html`<h1>Transactions</h1>`,
});
