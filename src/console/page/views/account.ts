import { html } from 'lit-html';
import type { CreateView } from '../view.ts';

export const createAccount: CreateView = () => ({
  title: () => 'Account',
  render: () => html`<h1>Account</h1>`,
});
