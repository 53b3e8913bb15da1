/** Something took longer than it may. */
class TimeLimitError extends Error {}

/**
 * Waits for `work`, but not longer than the limit. What is late goes on unobserved: nothing waits for it
 * any more, and its outcome, an error too, is dropped.
 * @throws TimeLimitError
 */
export async function withLimit<T>(milliseconds: number, work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    const passed = () => reject(new TimeLimitError(`not done within ${milliseconds / 1000} s`));
    timer = setTimeout(passed, milliseconds);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}
