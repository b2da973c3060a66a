import type { EventEmitter } from 'node:events';
import pg from 'pg';
import { isConnectionLoss, sqlState } from './sqlstate.ts';

export interface ConnectionConfig extends pg.ClientConfig {
  /** Told once of each statement that failed, and of the loss of the connection. */
  onFailure?: ((error: unknown) => void) | undefined;
}

/**
 * A connection on which instants come as ISO 8601, which is all that we can read. A role or a database may be set to
 * another style; then the session is, once, at its beginning. That is the one setting of a session that a pooler may be
 * asked for: servers report it by themselves, and poolers keep it for each of their clients.
 */
export class Connection extends pg.Client {
  #dateStyle = '';

  constructor(config?: ConnectionConfig) {
    super(config);
    // What the server reports while it lets us in; node-postgres tells nobody but its own connection.
    const { connection } = this as unknown as { readonly connection: EventEmitter };
    connection.on('parameterStatus', (report: { parameterName: string; parameterValue: string }) => {
      if (report.parameterName === 'DateStyle') this.#dateStyle = report.parameterValue;
    });
    if (config?.onFailure !== undefined) this.#watch(connection, config.onFailure);
  }

  /** Listens for what goes wrong, so that what goes well costs nothing. */
  #watch(connection: EventEmitter, onFailure: (error: unknown) => void): void {
    let isLost = false;
    connection.on('errorMessage', (error: unknown) => {
      // Whatever follows a failed statement in its transaction only says that one failed.
      if (sqlState(error) === '25P02') return;
      isLost ||= isConnectionLoss(error);
      onFailure(error);
    });
    this.on('error', (error) => {
      if (!isLost) onFailure(error);
      isLost = true;
    });
  }

  /** Asked once the connection is made; costs nothing where the style is right. */
  async readyDates(): Promise<void> {
    if (this.#dateStyle !== '' && !this.#dateStyle.startsWith('ISO'))
      await this.query("SET DateStyle TO 'ISO'");
  }
}
