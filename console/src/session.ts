// The tokens of a log-in. They are in memory only: a script that gets into the page, or a
// person who finds the computer, finds none in a store, and a closed page leaves none.

import { isBroken } from "./errors.js";

export interface Tokens {
  access: string;
  refresh: string;
  /** When the access token expires. */
  expires: Date;
}

/** Calls RefreshToken. */
export type Exchange = (refreshToken: string, requestId: string) => Promise<Tokens>;

export class Session {
  /** In the time of `performance.now()`. */
  private freshUntil = 0;
  private running: Promise<void> | undefined;

  constructor(
    public tokens: Tokens,
    private readonly exchange: Exchange,
  ) {
    this.keep(tokens);
  }

  /** A token that is valid for a while, and not the one that a server has refused. */
  async token(refused?: string): Promise<string> {
    if (this.tokens.access === refused || performance.now() >= this.freshUntil) {
      this.running ??= this.refresh().finally(() => (this.running = undefined));
      await this.running;
    }
    return this.tokens.access;
  }

  /** Replaces the tokens. */
  keep(tokens: Tokens): void {
    this.tokens = tokens;
    // A tenth of its time is left for calls that are on their way. A new token is used for a
    // second, whatever this machine's clock says.
    const left = tokens.expires.getTime() - Date.now();
    this.freshUntil = performance.now() + Math.max(0.9 * left, 1000);
  }

  /** The next call gets another access token. */
  expire(): void {
    this.freshUntil = 0;
  }

  private async refresh(): Promise<void> {
    const id = crypto.randomUUID();
    const { refresh } = this.tokens;
    try {
      this.keep(await this.exchange(refresh, id));
    } catch (error) {
      // If the response was lost, the same call returns the same successor.
      if (!isBroken(error)) throw error;
      this.keep(await this.exchange(refresh, id));
    }
  }
}
