package dev.addressbook.clients;

import dev.addressbook.auth.v1.AuthServiceGrpc.AuthServiceBlockingStub;
import dev.addressbook.auth.v1.RefreshTokenRequest;
import dev.addressbook.auth.v1.TokenPair;
import java.time.Duration;
import java.time.Instant;
import java.util.UUID;

/** The tokens of a log-in, refreshed by one thread at a time. */
final class Session {
  private final AuthServiceBlockingStub accounts;
  private TokenPair tokens;
  private String requestId;
  /** In the time of {@link System#nanoTime}. */
  private long freshUntil;
  private int refreshes;

  Session(AuthServiceBlockingStub accounts, TokenPair tokens) {
    this.accounts = accounts;
    keep(tokens);
  }

  String token() {
    return token(null);
  }

  /** A token that is valid for a while, and not the one that a server has refused. */
  synchronized String token(String refused) {
    // Other threads wait during the refresh: a refresh token works once.
    if (tokens.getAccessToken().equals(refused) || System.nanoTime() - freshUntil >= 0) {
      var request = RefreshTokenRequest.newBuilder()
          .setRefreshToken(tokens.getRefreshToken())
          .setRequestId(requestId)
          .build();
      keep(accounts.refreshToken(request).getTokens());
      refreshes++;
    }
    return tokens.getAccessToken();
  }

  synchronized int refreshes() {
    return refreshes;
  }

  /** Says for how long the token seems to be valid, as if this machine's clock were wrong. */
  synchronized String setLeft(Duration left) {
    freshUntil = System.nanoTime() + left.toNanos();
    return tokens.getAccessToken();
  }

  private synchronized void keep(TokenPair tokens) {
    this.tokens = tokens;
    // Of the next refresh and its repeats: if its response is lost, a repeat returns it.
    requestId = UUID.randomUUID().toString();
    // A tenth of its time is left for calls that are on their way. A new token is used for a
    // second, whatever this machine's clock says.
    var end = Instant.ofEpochSecond(tokens.getAccessExpireTime().getSeconds());
    var left = Duration.between(Instant.now(), end).multipliedBy(9).dividedBy(10);
    var second = Duration.ofSeconds(1);
    setLeft(left.compareTo(second) > 0 ? left : second);
  }
}
