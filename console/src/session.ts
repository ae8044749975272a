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
  /** Of the next refresh and its repeats: if its response is lost, a repeat returns it. */
  private requestId = "";

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
    this.requestId = crypto.randomUUID();
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
    const exchange = () => this.exchange(this.tokens.refresh, this.requestId);
    try {
      this.keep(await exchange());
    } catch (error) {
      if (!isBroken(error)) throw error;
      this.keep(await exchange());
    }
  }
}
