/**
 * What a build on the machine itself gets of this process's environment: where programs and temporary files
 * are, the language, the user's name, and which authorities the machine trusts. Anything else may be a
 * secret, so this lists what is let through.
 */
const letThrough =
  /^(?:PATH|LANG|LC_[A-Z]+|TZ|USER|LOGNAME|TERM|TMPDIR|SSL_CERT_FILE|CURL_CA_BUNDLE|REQUESTS_CA_BUNDLE|GIT_SSL_CAINFO)$/;

/** The variables that a build on the machine itself gets, out of the caller's. */
export function buildEnvironment(
  env: Readonly<Record<string, string | undefined>>,
): Readonly<Record<string, string>> {
  return Object.fromEntries(
    Object.entries(env).filter(
      (pair): pair is [string, string] => pair[1] !== undefined && letThrough.test(pair[0]),
    ),
  );
}
