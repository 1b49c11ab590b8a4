import { SHARED, runColour, runColours, stepColour } from './colours';

test('a step has the same colour wherever it is shown, and none has that of shared cells', () => {
  expect(stepColour(0)).toBe(stepColour(10));
  expect(new Set([...Array(10).keys()].map(stepColour)).size).toBe(10);
  expect(stepColour(-1)).toBe(SHARED);
  expect([...Array(20).keys()].map(stepColour)).not.toContain(SHARED);
});

test('the colour of a run depends on its id alone', () => {
  expect(runColour('brisk-otter')).toBe(runColour('brisk-otter'));
  expect(new Set([...Array(100).keys()].map(at => runColour(`run-${at}`))).size).toBeGreaterThan(5);
});

test('runs that are looked at together have different colours, whatever their order', () => {
  const ids = [...Array(10).keys()].map(at => `run-${at}`);
  const found = runColours(ids);
  expect(new Set(found.values()).size).toBe(10);
  expect([...runColours([...ids].reverse())].sort()).toEqual([...found].sort());
  expect(runColours(['run-3']).get('run-3')).toBe(runColour('run-3'));
});
