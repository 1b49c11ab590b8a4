/** Jest for the logic: plain modules, and components rendered into jsdom. */
module.exports = {
  preset: 'ts-jest',
  testEnvironment: 'jsdom',
  modulePathIgnorePatterns: ['<rootDir>/built/', '<rootDir>/lib/'],
  testMatch: ['<rootDir>/src/**/*.test.ts', '<rootDir>/src/**/*.test.tsx'],
  moduleNameMapper: { '\\.(css|svg)$': '<rootDir>/jest.style.js' },
  transform: {
    '^.+\\.tsx?$': ['ts-jest', { tsconfig: '<rootDir>/tsconfig.jest.json' }],
    '^.+\\.m?js$': ['ts-jest', { tsconfig: '<rootDir>/tsconfig.jest.json' }]
  },
  transformIgnorePatterns: [
    '/node_modules/(?!(@jupyterlab|@jupyter|@lumino|@xyflow|@rjsf|lib0|y-protocols|yjs|lodash-es|d3-[a-z]+|nanoid|exenv-es6)/)'
  ]
};
