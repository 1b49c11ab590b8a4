import { bestDirection, layout, neighbour, pathThrough, type IBox } from './layout';

const box = (id: string): IBox => ({ id, width: 100, height: 40 });
const DIAMOND = {
  boxes: ['load', 'left', 'right', 'join'].map(box),
  lines: [
    { source: 'load', target: 'left', label: 'X' },
    { source: 'load', target: 'right', label: 'y' },
    { source: 'left', target: 'join' },
    { source: 'right', target: 'join' }
  ]
};

function at(placed: ReturnType<typeof layout>, id: string): { x: number; y: number } {
  const found = placed.boxes.find(one => one.id === id);
  if (!found) {
    throw new Error(`no box ${id}`);
  }
  return found;
}

test('what comes first stands above, and boxes of a layer stand side by side', () => {
  const placed = layout(DIAMOND.boxes, DIAMOND.lines, 'down');
  expect(at(placed, 'load').y).toBeLessThan(at(placed, 'left').y);
  expect(at(placed, 'left').y).toBe(at(placed, 'right').y);
  expect(Math.abs(at(placed, 'left').x - at(placed, 'right').x)).toBeGreaterThanOrEqual(100);
  expect(at(placed, 'join').y).toBeGreaterThan(at(placed, 'left').y);
  expect(placed.height).toBeGreaterThan(placed.width / 2);
});

test('the other direction goes from left to right', () => {
  const placed = layout(DIAMOND.boxes, DIAMOND.lines, 'right');
  expect(at(placed, 'load').x).toBeLessThan(at(placed, 'left').x);
  expect(at(placed, 'left').x).toBe(at(placed, 'right').x);
});

test('a label stands between the boxes of its line', () => {
  const placed = layout(DIAMOND.boxes, DIAMOND.lines, 'down');
  const line = placed.lines.find(one => one.label === 'X');
  expect(line?.at.y).toBeGreaterThan(at(placed, 'load').y + 40);
  expect(line?.at.y).toBeLessThan(at(placed, 'left').y);
});

test('lines to nowhere, to oneself and in a circle do no harm', () => {
  const placed = layout(
    [box('a'), box('b')],
    [
      { source: 'a', target: 'gone' },
      { source: 'a', target: 'a' },
      { source: 'a', target: 'b' },
      { source: 'b', target: 'a' },
      { source: 'a', target: 'b', label: 'twice' }
    ],
    'down'
  );
  expect(placed.lines).toHaveLength(3);
  expect(new Set(placed.lines.map(line => line.id)).size).toBe(3);
  expect(layout([], [], 'down')).toEqual({ boxes: [], lines: [], width: 0, height: 0 });
});

test('ids may be any text', () => {
  const placed = layout([box('__proto__'), box('<b>&"')], [{ source: '__proto__', target: '<b>&"' }], 'down');
  expect(placed.lines).toHaveLength(1);
  expect(placed.boxes.every(one => Number.isFinite(one.x))).toBe(true);
});

test('two hundred boxes are placed in less than a second', () => {
  const many = Array.from({ length: 200 }, (_, number) => box(`s${number}`));
  const lines = many.slice(1).map((one, number) => ({ source: `s${Math.floor(number / 2)}`, target: one.id, label: 'X, y' }));
  const before = performance.now();
  expect(layout(many, lines, 'down').boxes).toHaveLength(200);
  expect(performance.now() - before).toBeLessThan(1000);
});

test('arrow keys lead to the nearest box in their direction', () => {
  const placed = layout(DIAMOND.boxes, DIAMOND.lines, 'down').boxes;
  const [left, right] = at({ boxes: placed, lines: [], width: 0, height: 0 }, 'left').x < placed.find(one => one.id === 'right')!.x ? ['left', 'right'] : ['right', 'left'];
  expect(['left', 'right']).toContain(neighbour(placed, 'load', 'ArrowDown'));
  expect(neighbour(placed, left, 'ArrowRight')).toBe(right);
  expect(neighbour(placed, right, 'ArrowLeft')).toBe(left);
  expect(neighbour(placed, 'join', 'ArrowDown')).toBeNull();
  expect(neighbour(placed, 'load', 'Enter')).toBeNull();
  expect(neighbour(placed, null, 'ArrowDown')).toBeNull();
});

test('a path begins at the first and ends at the last of its points', () => {
  expect(pathThrough([{ x: 0, y: 0 }, { x: 0, y: 10 }])).toBe('M0,0 L0,10');
  expect(pathThrough([{ x: 0, y: 0 }, { x: 5, y: 5 }, { x: 0, y: 10 }])).toBe('M0,0 Q5,5 0,10');
  expect(pathThrough([])).toBe('');
});

test('a long chain stands upright where there is height, and lies where there is width', () => {
  const chain = Array.from({ length: 9 }, (_, number) => box(`s${number}`));
  const lines = chain.slice(1).map((one, number) => ({ source: `s${number}`, target: one.id }));
  expect(bestDirection(chain, lines, 600, 800)).toBe('down');
  expect(bestDirection(chain, lines, 1600, 300)).toBe('right');
  expect(bestDirection(chain.slice(0, 2), lines, 600, 800)).toBe('right');
});
