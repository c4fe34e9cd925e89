// For a test of what an old Node.js is told: this one says that it is one.
Object.defineProperty(process, 'versions', { value: { ...process.versions, node: '18.20.8' } });
