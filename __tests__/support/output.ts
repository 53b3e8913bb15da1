import { afterEach, beforeEach, jest } from '@jest/globals';

/** What each test of the file writes to standard output, piece by piece, for the test to empty too; nothing of it is shown. */
export function capturedOutput(): string[] {
  const written: string[] = [];
  beforeEach(() => {
    written.length = 0;
    jest.spyOn(process.stdout, 'write').mockImplementation((text) => {
      written.push(String(text));
      return true;
    });
  });
  afterEach(() => {
    jest.restoreAllMocks();
  });
  return written;
}
