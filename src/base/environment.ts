/** What of this process's environment other processes get: by lists of what is let through. */

export type Env = Readonly<Record<string, string | undefined>>;

/** Proxy settings, by the usual names of the variables. */
const proxyNames = [
  'http_proxy',
  'https_proxy',
  'no_proxy',
  'HTTP_PROXY',
  'HTTPS_PROXY',
  'NO_PROXY',
  'all_proxy',
  'ALL_PROXY',
  'ftp_proxy',
  'FTP_PROXY',
];

const user = ['PATH', 'USER', 'LOGNAME', 'LANG', 'TZ', 'TERM', 'TMPDIR'];
const authorities = ['SSL_CERT_FILE', 'CURL_CA_BUNDLE', 'REQUESTS_CA_BUNDLE', 'GIT_SSL_CAINFO'];
const forBuilds = new Set([...user, ...authorities]);
const forPrograms = new Set([
  ...forBuilds,
  ...proxyNames,
  ...['HOME', 'SHELL', 'LANGUAGE', 'SSL_CERT_DIR', 'NODE_EXTRA_CA_CERTS'],
  // Engines: where they listen, and where their settings and the registries' passwords lie.
  ...['XDG_RUNTIME_DIR', 'XDG_CONFIG_HOME', 'XDG_DATA_HOME', 'REGISTRY_AUTH_FILE', 'SSH_AUTH_SOCK'],
  ...['CONTAINER_HOST', 'CONTAINER_CONNECTION'],
]);
const families = /^(?:DOCKER|CONTAINERS|GIT_CONFIG|PIP)_/;
const secretNames = /(?:TOKEN|SECRET|PASSWORD|PASSWD|PASSPHRASE|CREDENTIALS?|AUTH|AUTH_CONFIG|_KEY)$/i;

/**
 * The environment of a program that this process starts for itself: engine, git, gpg, pip.
 * Nothing that is a secret by its name, and no git setting that carries one.
 */
export function publicEnvironment(env: Env): Record<string, string> {
  const passed = pick(
    env,
    (name) =>
      forPrograms.has(name) ||
      name.startsWith('LC_') ||
      (families.test(name) && !name.startsWith('GIT_CONFIG_') && !secretNames.test(name)),
  );
  return { ...passed, ...gitSettings(env) };
}

/**
 * The environment of a build on the machine itself, whose packages' scripts are not ours: where programs and
 * temporary files are, the language, the user's name, and which authorities the machine trusts. Proxy settings
 * are for what fetches alone.
 */
export function buildEnvironment(env: Env): Record<string, string> {
  return pick(env, (name) => forBuilds.has(name) || /^LC_[A-Z]+$/.test(name));
}

/** Whether a variable holds a secret, as far as its name tells. */
export const isSecretName = (name: string): boolean => secretNames.test(name);

/** The secret parts of the proxy settings, for a log to hide; a proxy without a password has none. */
export function proxySecrets(env: Env): string[] {
  const found = proxyNames.flatMap((name) => {
    const [, login = '', password = ''] =
      /^(?:[a-z0-9+.-]+:\/\/)?([^/@:]*):([^/]*)@/i.exec(env[name] ?? '') ?? [];
    if (password === '') return [];
    // One of a letter or two would hide half of the log.
    return password.length < 4 ? [`${login}:${password}@`] : [password, decoded(password)];
  });
  return [...new Set(found)];
}

function pick(env: Env, wanted: (name: string) => boolean): Record<string, string> {
  return Object.fromEntries(
    Object.entries(env).filter((pair): pair is [string, string] => pair[1] !== undefined && wanted(pair[0])),
  );
}

// git-config(1): GIT_CONFIG_COUNT pairs of GIT_CONFIG_KEY_n and GIT_CONFIG_VALUE_n, counted from 0.
function gitSettings(env: Env): Record<string, string> {
  const files = pick(env, (name) => /^GIT_CONFIG_(?:GLOBAL|SYSTEM|NOSYSTEM)$/.test(name));
  const count = /^\d{1,3}$/.test(env['GIT_CONFIG_COUNT'] ?? '') ? Number(env['GIT_CONFIG_COUNT']) : 0;
  const pairs = Array.from({ length: count }, (_, index) => [
    env[`GIT_CONFIG_KEY_${index}`] ?? '',
    env[`GIT_CONFIG_VALUE_${index}`] ?? '',
  ]).filter(
    ([key = '', value = '']) =>
      key !== '' &&
      !/extraheader|credential|password|cookie|token/i.test(key) &&
      ![key, value].some((text) => /:\/\/[^/]*@/.test(text)),
  );
  if (pairs.length === 0) return files;
  const named = pairs.flatMap(([key = '', value = ''], index) => [
    [`GIT_CONFIG_KEY_${index}`, key],
    [`GIT_CONFIG_VALUE_${index}`, value],
  ]);
  return { ...files, GIT_CONFIG_COUNT: String(pairs.length), ...Object.fromEntries(named) };
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
