/** A proxy's address may hold a password, so it is on no command line: the engine reads it from its environment. */

/** `docker build` arguments that hand on the proxy settings; `withProxy` gives the engine their values. */
export function proxyArguments(proxy: Readonly<Record<string, string>>): string[] {
  return Object.keys(proxy).flatMap((name) => ['--build-arg', name]);
}

/**
 * The whole environment of an engine's process: what it has anyway, and the proxy settings that its arguments
 * name without a value.
 */
export function withProxy(
  env: Readonly<Record<string, string | undefined>>,
  proxy: Readonly<Record<string, string>>,
): Record<string, string> {
  const given = Object.entries(env).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]]));
  return { ...Object.fromEntries(given), ...proxy };
}
