/* Starts, and ends: a program whose only trait is the memory that starting it takes, which its stack size decides. */
int main(void)
{
    return 0;
}
