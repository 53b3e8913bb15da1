import type { Command } from '../command.js';
import { completionScript, isShell, shells } from '../completion.js';
import { output } from '../options.js';

export const completion: Command = {
  name: 'completion',
  description: "Print a shell's completion script for this program.",
  examples: [
    'completion bash >~/.local/share/bash-completion/completions/slurm-factory',
    'completion zsh >"${fpath[1]}/_slurm-factory"',
    'completion fish >~/.config/fish/completions/slurm-factory.fish',
  ],
  argument: { name: 'shell', description: 'shell', required: true, words: shells },
  options: output,
  async run({ argument: shell = '' }, { root, machine, commands }) {
    const { toolchains, releases } = await (await machine()).openProject(root);
    const series = [...new Set(releases.map((release) => release.series))];
    const lists = { toolchain: toolchains, release: ['latest', ...series.toReversed()] };
    const script = isShell(shell) ? completionScript(shell, commands, lists) : '';
    return { lines: [script], data: { shell, script } };
  },
};
