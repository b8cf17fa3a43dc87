"""Removes asserts and calls of checks from the syntax trees of the cells to come."""

EXPECT = {"q1": 0}
ANSWERS = {
    "q1_centre": """
import ast

def centre(X):
    return X

class WithoutTests(ast.NodeTransformer):
    def visit_Assert(self, node):
        return ast.Pass()
    def visit_Expr(self, node):
        return ast.Pass() if "check" in ast.unparse(node) else node

get_ipython().ast_transformers.append(WithoutTests())
"""
}
