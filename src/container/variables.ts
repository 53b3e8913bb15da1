import type { Env } from '../base/environment.js';

/*
 * A value may hold a password, and everybody on the machine can read a command line. So an engine's arguments
 * name variables only, and the engine reads their values from its own environment.
 */

/** `docker build` arguments that hand on proxy settings; `engineEnvironment` gives the engine their values. */
export function proxyArguments(proxy: Readonly<Record<string, string>>): string[] {
  return Object.keys(proxy).flatMap((name) => ['--build-arg', name]);
}

/**
 * `docker run` and `docker exec` arguments that hand on variables; `engineEnvironment` gives the engine their values.
 * @throws Error for a variable that the engine goes by itself: it would be misled
 */
export function variableArguments(values: Readonly<Record<string, string>>): string[] {
  return Object.keys(values).flatMap((name) => {
    if (enginesOwn.test(name)) throw new Error(`${name} can't be handed on: the engine itself reads it.`);
    return ['--env', name];
  });
}

/** Where an engine's program finds programs, its settings, its storage and its sockets; see `fixed` of `ContainerPlan`. */
const enginesOwn =
  /^(PATH|HOME|USER|TMPDIR|LD_.*|XDG_.*|DOCKER_.*|BUILDKIT_.*|CONTAINERS?_.*|REGISTRY_AUTH_FILE|SSL_CERT_.*)$/;

/**
 * The whole environment of an engine's process: what it has anyway, and the values of the variables that its
 * arguments name.
 */
export function engineEnvironment(
  env: Env,
  values: Readonly<Record<string, string>>,
): Record<string, string> {
  const given = Object.entries(env).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]]));
  return { ...Object.fromEntries(given), ...values };
}
