// The tokens of a log-in, refreshed by one task at a time.

export interface Tokens {
  access: string;
  refresh: string;
  /** When the access token expires. */
  expires: Date;
}

/** Calls RefreshToken. */
export type Exchange = (refreshToken: string, requestId: string) => Promise<Tokens>;

export class Session {
  refreshes = 0;
  /** In the time of `performance.now()`. */
  freshUntil = 0;
  private running: Promise<void> | undefined;
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

  private async refresh(): Promise<void> {
    this.keep(await this.exchange(this.tokens.refresh, this.requestId));
    this.refreshes += 1;
  }

  private keep(tokens: Tokens): void {
    this.tokens = tokens;
    // Of the next refresh and its repeats: if its response is lost, a repeat returns it.
    this.requestId = crypto.randomUUID();
    // A tenth of its time is left for calls that are on their way. A new token is used for a
    // second, whatever this machine's clock says.
    const left = tokens.expires.getTime() - Date.now();
    this.freshUntil = performance.now() + Math.max(0.9 * left, 1000);
  }
}
