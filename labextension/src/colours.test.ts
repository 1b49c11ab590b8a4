import { SHARED, runColour, stepColour } from './colours';

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
