/// <reference types="node" />
import { readFileSync } from 'fs';
import { join } from 'path';
import type { Analysis } from '../../api/types';
import { VERSION } from '../../version';
import { isSameVersion, isUntagged, logLines, plain } from './texts';

test('a progress bar is its last state, and colours are left out', () => {
  expect(plain('10%\r50%\r100%\ndone\r\n')).toBe('100%\ndone\n');
  expect(plain('\u001b[31mred\u001b[0m \u001b]8;;x\u0007link')).toBe('red link');
});

test('a log is its last lines, each with its step', () => {
  const parts = [
    { step: 'a', text: 'one\ntwo\n' },
    { step: 'b', text: 'three\n' }
  ];
  expect(logLines(parts, 2)).toEqual([
    { step: 'a', text: 'two' },
    { step: 'b', text: 'three' }
  ]);
});

test('a notebook with papermill’s tag alone still has no steps', () => {
  const of = (...tags: string[]): Analysis => ({ cells: { a: { tags } } }) as unknown as Analysis;
  expect(isUntagged(of('parameters', 'mine'))).toBe(true);
  expect(isUntagged(of('step:load'))).toBe(false);
  expect(isUntagged(of('block:load'))).toBe(false);
});

test('versions are compared as npm and Python write them', () => {
  expect(isSameVersion('0.2.0-rc.1', '0.2.0rc1')).toBe(true);
  expect(isSameVersion('0.2.0-alpha.1', '0.2.0a1')).toBe(true);
  expect(isSameVersion('0.2.0', '0.2.1')).toBe(false);
});

test('the panel’s version is that of the packages', () => {
  const root = join(__dirname, '..', '..', '..');
  const npm = (JSON.parse(readFileSync(join(root, 'package.json'), 'utf-8')) as { version: string }).version;
  const python = /__version__ = "([^"]+)"/.exec(readFileSync(join(root, '..', 'jupyter_mlops', '_version.py'), 'utf-8'));
  expect(isSameVersion(VERSION, npm)).toBe(true);
  expect(isSameVersion(VERSION, python?.[1] ?? '')).toBe(true);
});
